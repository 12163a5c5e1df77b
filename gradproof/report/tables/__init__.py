"""Tables about the registry and the backends: conventions, catalogue, completeness, widths, and who is to blame."""
