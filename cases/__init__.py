"""What happened: documents, without network or clock."""
