"""Right answers of section 7.1 in other styles, and equal variants."""

STYLES = {}
EQUAL = {}
