"""Chapter 06, the whole DAMSM: what a long text gains, the class mask, the softmax without what it leaves out, both
directions, and the total of four means, with its gradient, in torch."""
