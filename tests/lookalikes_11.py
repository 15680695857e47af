"""Wrong answers to the exercises of chapter 11 that look like a known mistake: what each is called, or None."""

LOOKALIKES = {}
