"""A pipeline as a service: texts in, entities with their probabilities out, and a page to try it.

pip install 'spacy-window-ner[serve]'
"""
