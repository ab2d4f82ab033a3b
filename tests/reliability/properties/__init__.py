"""One file for each property, which defines it as `PROPERTY`; `prop.every` finds them."""
