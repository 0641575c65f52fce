"""Right answers of section 7.3 in other styles, and equal variants."""

STYLES = {}
EQUAL = {}
