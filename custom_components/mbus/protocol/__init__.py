"""EN 13757-2/-3 wired M-Bus: frames, telegrams, links and a master. Free of Home Assistant."""
