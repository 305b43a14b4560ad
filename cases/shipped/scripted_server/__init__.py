"""A scripted model behind a real server, so that live trials can be tried without a key and without a network."""
