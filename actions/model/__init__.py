"""Models: onboard, delete and measure them."""
