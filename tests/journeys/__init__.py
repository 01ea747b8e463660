"""What people do, over HTTP, against a real server and a real MongoDB; nothing is mocked."""
