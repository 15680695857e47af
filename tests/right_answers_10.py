"""Right answers to the exercises of chapter 10, each by another formula: none may be refused."""

RIGHT = {}
