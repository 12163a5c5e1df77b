"""Tables about the registry and the backends: functions, conventions, catalogue, completeness, widths, and
who is to blame."""
