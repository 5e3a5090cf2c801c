"""A database of the names in many texts: where each is mentioned, and what it is mentioned with.

One SQLite file with the documents, their sentences, the mentions of names, and the names that these
are brought together to. It is made with any pipeline that writes `doc.ents`.
"""
