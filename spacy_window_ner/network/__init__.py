"""Docs → scores and back: features, layers, architectures, and what looks at them."""
