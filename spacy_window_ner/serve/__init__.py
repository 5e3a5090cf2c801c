"""Serve a pipeline over HTTP: an API that returns entities with probabilities, and a web page.

pip install 'spacy-window-ner[serve]'
"""
