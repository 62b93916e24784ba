"""The values that travel between the rooms: frozen, typed, without behaviour of their own."""
