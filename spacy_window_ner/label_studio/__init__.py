"""A pipeline as an ML backend of Label Studio: it reads its tasks, and learns what people annotate.

pip install 'spacy-window-ner[serve]'
"""
