"""Files as an attacker or a broken disk makes them, and the readers that must refuse them."""
