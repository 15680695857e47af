"""Chapter 05: words against regions, where a word looks, what it sees there, the score of a caption, and R(Q, D) of
every image with every text, in NumPy.

T words down, R regions across, D features; N images, M texts.
"""
