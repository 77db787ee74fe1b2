"""One file for each outside thing: AWS, the queues, Tencent's two lists, files that remember."""
