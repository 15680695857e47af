"""Right answers to the exercises of chapter 11, each by another formula: none may be refused."""

RIGHT = {}
