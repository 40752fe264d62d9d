"""What tests share: servers, stand-ins, programs as a user starts them, samples."""
