"""What touches sockets, disks and libraries on behalf of the media package."""
