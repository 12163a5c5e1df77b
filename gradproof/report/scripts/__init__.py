"""Standalone scripts: a finding as a program that needs the backend and NumPy alone."""
