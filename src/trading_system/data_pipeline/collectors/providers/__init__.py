"""Who publishes metrics: one file a provider, all behind one port."""
