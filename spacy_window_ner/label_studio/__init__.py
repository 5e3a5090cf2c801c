"""A pipeline as an ML backend for Label Studio: it predicts tasks, and learns from annotations.

pip install 'spacy-window-ner[serve]'
"""
