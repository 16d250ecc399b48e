"""HackEEG: ADS1299, eight channels, an Arduino Due's native USB, MessagePack samples."""
