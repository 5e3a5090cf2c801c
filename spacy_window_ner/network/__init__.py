"""The network: features, layers, architectures, and checks of its gradients."""
