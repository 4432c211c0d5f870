"""Answers every line of every connection with what it was told about its sockets."""
import os
import socket

listener = socket.socket(fileno=3)
while True:
    peer, _ = listener.accept()
    word = peer.recv(100).decode().strip()
    peer.sendall(f"{word} {os.environ['LISTEN_FDS']} {os.environ['LISTEN_FDNAMES']}\n".encode())
    peer.close()
