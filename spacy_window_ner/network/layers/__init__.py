"""The layers of the network, one in each file."""
