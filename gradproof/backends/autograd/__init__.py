"""The backend `autograd`: its adapter, and how what it runs is traced."""
