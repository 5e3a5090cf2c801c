"""Raw text → word vectors."""
