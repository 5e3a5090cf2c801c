"""How sure the network is: calibration, guarantees, and how well both hold on held-out text."""
