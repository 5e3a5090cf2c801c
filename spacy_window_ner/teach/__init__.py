"""Annotate texts in a browser while a network learns from what has been annotated.

pip install 'spacy-window-ner[serve]'
"""
