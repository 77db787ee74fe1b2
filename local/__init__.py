"""The whole service on this machine: what stands in for AWS and for Tencent."""
