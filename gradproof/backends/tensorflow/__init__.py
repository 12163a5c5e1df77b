"""The backend `tensorflow`: its adapter, and how what it runs is traced."""
