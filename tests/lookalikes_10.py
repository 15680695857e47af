"""Wrong answers to the exercises of chapter 10 that look like a known mistake: what each is called, or None."""

LOOKALIKES = {}
