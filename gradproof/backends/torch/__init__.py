"""The backend `torch`: its adapter, and how what it runs is traced."""
