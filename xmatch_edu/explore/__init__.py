"""Live pictures: what moves under your hand in a notebook. Still pictures live in `plots`."""
