"""How the example traces were made: the desk run with a scripted model and scripted people."""
