"""Right answers of section 7.2 in other styles, and equal variants."""

STYLES = {}
EQUAL = {}
