"""The backend `jax`: its adapter, and how what it runs is traced."""
