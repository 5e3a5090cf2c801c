"""A database of the names in many texts: where each is mentioned, and which names occur together.

It is a single SQLite file with the documents, their sentences, the mentions of names, and the names
that they refer to. It can be built with any pipeline that sets `doc.ents`.
"""
