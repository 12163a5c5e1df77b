"""What is true: gradients in ball arithmetic, what rounding may do to them, and the verdict on a backend's answer."""
