"""Right answers of section 8.6 in other styles, and equal variants."""

STYLES = {}
EQUAL = {}
