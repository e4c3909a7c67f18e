"""Models that this service has trained: kept by number, judged before they answer, switched without a restart."""
