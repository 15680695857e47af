"""Chapter 10, bigger batches: the running log-sum-exp, the logs of rows and columns tile by tile, the gradient tile by
tile, and the gradient of a batch that is embedded in pieces."""
