"""Right answers of section 7.6 in other styles, and equal variants."""

STYLES = {}
EQUAL = {}
