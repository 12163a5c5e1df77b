"""The backend `numpy`: its adapter, and how what it runs is traced."""
