"""What Lambda hands to a handler beside the event. Imports nothing: a cold start is measured."""


class Context:
    """A fresh invocation's."""

    function_name = "block_recipients"
    function_version = "$LATEST"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:ap-southeast-1:123456789012:function:block_recipients"
    aws_request_id = "11111111-2222-3333-4444-555555555555"

    def get_remaining_time_in_millis(self) -> int:
        """Give the time that a fresh invocation has."""
        return 60_000
