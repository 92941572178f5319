"""Who may log in: accounts, password hashes, device passwords, the brake on guessing, the audit log.

Nothing in this folder knows of photos, folders, WebDAV or HTTP status codes; of HTTP it knows the text of three header
fields (Authorization, Forwarded, X-Forwarded-For).
"""
