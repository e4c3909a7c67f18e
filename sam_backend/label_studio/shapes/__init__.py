"""What a region's ``value`` holds, one module a shape: a silhouette in, plain Python values out."""
