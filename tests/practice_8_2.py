"""Right answers of section 8.2 in other styles, and equal variants."""

STYLES = {}
EQUAL = {}
