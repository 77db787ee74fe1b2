"""The ledger and the brake in one DynamoDB table."""
